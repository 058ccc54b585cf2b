// SPDX-License-Identifier: MIT
// training <scenario> <file>: two processes train, and one of them may do what the scenario says.
#include <lockstep/mpi.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace ls = lockstep;

namespace {

using net = ls::sequential<ls::shape<6>, ls::linear<12>, ls::batch_norm<ls::synchronized>, ls::tanh, ls::dropout<0.2>, ls::linear<4>>;

template <int Batch>
void train(std::string const& scenario, std::string const& file) {
    int const rank = ls::mpi::rank(), size = ls::mpi::size();
    bool const other = rank == 1;
    ls::tensor<float, ls::shape<6>> inputs(16);
    std::vector<std::int32_t> targets;
    for (int i = 0; i < 16; ++i) {
        targets.push_back(i % 4);
        for (int k = 0; k < 6; ++k) inputs[i][static_cast<std::size_t>(k)] = static_cast<float>((i * 7 + k * 3) % 11) * 0.1f;
    }
    ls::parallel<net, ls::cpu_devices<1>, ls::reproducible<2>, ls::mpi> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{}, ls::batch_size<Batch>};
    if (scenario == "restored") {
        ls::load_checkpoint(file, trainer);
        std::printf("process %d of %d: from step %llu\n", rank, size, static_cast<unsigned long long>(trainer.steps()));
    }
    for (int step = 0; step < 40; ++step) {
        std::int64_t const whole = step % 3 == 2 ? 5 : 16;
        ls::sample_range const part = ls::shard_of(whole, rank, size);
        if (scenario == "bad_target" && other && step == 9) targets.assign(16, 9);
        if (scenario == "throws" && other && step == 9) throw std::runtime_error("out of paper");
        if (scenario == "leaves" && other && step == 9) return;
        if (scenario == "killed" && other && step == 11) std::raise(SIGKILL);
        ls::batch_view<float, ls::shape<6>> batch{inputs.view().slice(part.first, part.count),
                                                  std::span<std::int32_t const>(targets).subspan(static_cast<std::size_t>(part.first),
                                                                                                 static_cast<std::size_t>(part.count))};
        batch.whole = whole;
        batch.offset = part.first;
        trainer.step(batch);
        if (scenario == "killed") {
            ls::save_checkpoint(file, trainer, 0);
            if (other && step == 10) {
                std::printf("process 1 of %d ends\n", size);
                std::fflush(stdout);
            }
        }
    }
    std::printf("process %d of %d: %llu steps\n", rank, size, static_cast<unsigned long long>(trainer.steps()));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::string const scenario = argv[1];
    try {
        if (scenario == "other_batch" && ls::mpi::rank() == 1) train<17>(scenario, argv[2]);
        else train<16>(scenario, argv[2]);
        return 0;
    } catch (std::exception const& failure) {
        std::printf("process %d of %d: %s\n", ls::mpi::rank(), ls::mpi::size(), failure.what());
        return 1;
    }
}
