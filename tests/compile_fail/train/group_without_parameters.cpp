// SPDX-License-Identifier: MIT
// A parameter group's tag is that of a parameter of the model.
// error: (parameter_group_of<lockstep::scale>::in_model|Tag=lockstep::scale)
// error: no parameter of the model has the tag of a parameter group
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/parameter_groups.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
inline constexpr auto group = ls::group_of<ls::scale>(ls::adamw{.weight_decay = 0.0});
#else
inline constexpr auto group = ls::group_of<ls::bias>(ls::adamw{.weight_decay = 0.0});
#endif

inline void train() {
    ls::parallel<ls::sequential<ls::shape<4>, ls::linear<3>>, ls::cpu_devices<1>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::parameter_groups{ls::adamw{}, group}, ls::batch_size<8>};
}
