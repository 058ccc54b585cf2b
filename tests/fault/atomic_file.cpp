// SPDX-License-Identifier: MIT
#include <lockstep/train/atomic_file.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#ifdef __linux__
#include <sys/mount.h>
#endif
#include <sys/resource.h>

namespace {

namespace fs = std::filesystem;

/// A directory of its own for one test.
struct scratch {
    fs::path path;
    scratch() {
        auto name = (fs::temp_directory_path() / "lockstep-atomic-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~scratch() {
        std::error_code ignored;
        fs::permissions(path, fs::perms::owner_all, ignored);
        fs::remove_all(path, ignored);
    }
    std::string operator/(std::string const& name) const { return (path / name).string(); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
    }
};

std::string content(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The text of the data_error that the call throws; empty when it throws none.
template <class Call>
std::string refusal(Call call) {
    try {
        call();
    } catch (lockstep::data_error const& refused) {
        return refused.what();
    }
    return {};
}

bool says(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a file appears with its whole content, and nothing else does") {
    scratch const directory;
    auto const path = directory / "curve.svg";
    lockstep::atomic_file file{path};
    file.write("one ");
    CHECK_FALSE(fs::exists(path));
    CHECK(fs::exists(path + ".partial-" + std::to_string(::getpid())));
    file.write(std::string_view("two\0three", 9));
    file.commit();
    CHECK(content(path) == std::string("one two\0three", 13));
    CHECK(directory.files() == 1);
}

TEST_CASE("an empty file is a file") {
    scratch const directory;
    lockstep::write_file(directory / "empty", "");
    CHECK(fs::file_size(directory / "empty") == 0);
}

TEST_CASE("without a commit the old file stays and the partial file goes") {
    scratch const directory;
    auto const path = directory / "net";
    lockstep::write_file(path, "old");
    {
        lockstep::atomic_file file{path};
        file.write("new");
    }
    CHECK(content(path) == "old");
    CHECK(directory.files() == 1);
    lockstep::write_file(path, "new");
    CHECK(content(path) == "new");
}

TEST_CASE("a name without a directory is written to the current one") {
    scratch const directory;
    auto const before = fs::current_path();
    fs::current_path(directory.path);
    lockstep::write_file("plain", "x");
    fs::current_path(before);
    CHECK(content(directory / "plain") == "x");
}

TEST_CASE("a partial file left by a process that died is overwritten") {
    scratch const directory;
    auto const path = directory / "net";
    std::ofstream(path + ".partial-" + std::to_string(::getpid())) << "longer than what follows";
    lockstep::write_file(path, "short");
    CHECK(content(path) == "short");
    CHECK(directory.files() == 1);
}

TEST_CASE("a symbolic link stays one, and permissions stay") {
    scratch const directory;
    lockstep::write_file(directory / "epoch-3", "old");
    fs::permissions(directory / "epoch-3", fs::perms::owner_read | fs::perms::owner_write);
    fs::create_symlink("epoch-3", directory / "latest");
    lockstep::write_file(directory / "latest", "new");
    CHECK(fs::is_symlink(directory / "latest"));
    CHECK(content(directory / "epoch-3") == "new");
    CHECK(fs::status(directory / "epoch-3").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("a missing directory is named") {
    scratch const directory;
    auto const path = directory / "missing/net.safetensors";
    auto const text = refusal([&] { lockstep::atomic_file{path}; });
    CHECK(says(text, path));
    CHECK(says(text, "directory '" + (directory / "missing") + "'"));
    CHECK(says(text, "No such file or directory"));
    CHECK_FALSE(refusal([] { lockstep::atomic_file{""}; }).empty());
}

TEST_CASE("what is no regular file is not replaced") {
    scratch const directory;
    fs::create_directory(directory / "runs");
    CHECK(says(refusal([&] { lockstep::write_file(directory / "runs", "x"); }), "found a directory"));
    CHECK(says(refusal([] { lockstep::write_file("/dev/null", "x"); }), "found a device"));
    CHECK(fs::is_character_file("/dev/null"));
    CHECK(directory.files() == 1);
}

TEST_CASE("an unwritable directory and an unwritable file") {
    scratch const directory;
    if (::geteuid() == 0) {
        // Root writes everywhere but here.
        auto const text = refusal([] { lockstep::write_file("/proc/lockstep.svg", "x"); });
        CHECK(says(text, "directory '/proc'"));
        MESSAGE("skipped: root is refused by no permission bits");
        return;
    }
    auto const path = directory / "net";
    lockstep::write_file(path, "old");
    fs::permissions(path, fs::perms::owner_read);
    CHECK(says(refusal([&] { lockstep::write_file(path, "new"); }), "Permission denied"));
    fs::permissions(directory.path, fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(says(refusal([&] { lockstep::write_file(directory / "other", "new"); }), "Permission denied"));
    CHECK(content(path) == "old");
}

TEST_CASE("a file larger than the system allows leaves the old one") {
    scratch const directory;
    auto const path = directory / "net";
    lockstep::write_file(path, "old");
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit limited = before;
    limited.rlim_cur = 4096;
    auto const handler = std::signal(SIGXFSZ, SIG_IGN);
    if (::setrlimit(RLIMIT_FSIZE, &limited) != 0) {
        MESSAGE("skipped: this process may not limit its files");
        return;
    }
    auto const text = refusal([&] { lockstep::write_file(path, std::string(10000, 'x')); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(says(text, path));
    CHECK(says(text, "File too large"));
    CHECK(content(path) == "old");
    CHECK(directory.files() == 1);
}

#ifdef __linux__
TEST_CASE("a full disk leaves the old file") {
    scratch const directory;
    auto const disk = directory / "disk";
    fs::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
        MESSAGE("skipped: this user may not mount a small disk");
        return;
    }
    auto const path = disk + "/net";
    lockstep::write_file(path, "old");
    auto const text = refusal([&] { lockstep::write_file(path, std::string(1 << 20, 'x')); });
    auto const old = content(path);
    auto const files = std::distance(fs::directory_iterator(disk), fs::directory_iterator());
    ::umount(disk.c_str());
    CHECK(says(text, path));
    CHECK(says(text, "No space left on device"));
    CHECK(old == "old");
    CHECK(files == 1);
}
#endif
