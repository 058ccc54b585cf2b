// SPDX-License-Identifier: MIT
// Every file of INDEX.md is compared with, and a missing one is seen.
#include "reference.hpp"
#include "table.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

using namespace tests;

TEST_CASE("every reference case is in the index, and every file of the index is there") {
    std::set<std::string> files, index, covered;
    for (auto const& entry : std::filesystem::directory_iterator(golden_path("data")))
        files.insert(entry.path().stem().string());
    std::ifstream text(golden_path("INDEX.md"));
    for (std::string line; std::getline(text, line);)
        if (line.starts_with("| ") && !line.starts_with("| file")) index.insert(line.substr(2, line.find(' ', 2) - 2));
    for (reference_case const& each : all_cases()) {
        CHECK_MESSAGE(covered.insert(each.file).second, each.file << " is tested twice");
        CHECK_MESSAGE(index.contains(each.file), each.file << " is not in INDEX.md");
    }
    CHECK(files == index);
    CHECK(covered == index);
    CHECK(covered.size() >= 66);
    std::cout << "reference cases: " << covered.size() << " of " << index.size() << " covered, still to come:";
    for (std::string const& name : index)
        if (!covered.contains(name)) std::cout << ' ' << name;
    std::cout << '\n';
}
