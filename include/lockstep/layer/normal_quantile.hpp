// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>

namespace lockstep {

/// The probability that a standard normal variable is at most x.
inline double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// The x for which normal_distribution(x) is p, minus infinity for 0 and infinity for 1. P. J. Acklam's rational
/// approximations (2003), whose relative error is 1.15e-9, and one step of Halley's method, which leaves 1e-15
/// around the median and in the lower tail; in the upper one p itself has few digits.
inline double normal_quantile(double p) {
    constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
                            1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00};
    constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                            6.680131188771972e+01, -1.328068155288572e+01, 1.0};
    constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                            -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00};
    constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                            3.754408661907416e+00, 1.0};
    auto const polynomial = [](auto const& coefficients, double t) {
        double sum = 0.0;
        for (double const coefficient : coefficients) sum = sum * t + coefficient;
        return sum;
    };
    auto const tail = [&](double probability) {
        double const t = std::sqrt(-2.0 * std::log(probability));
        return polynomial(c, t) / polynomial(d, t);
    };
    if (p <= 0.0) return -HUGE_VAL;
    if (p >= 1.0) return HUGE_VAL;
    constexpr double border = 0.02425;
    double x = 0.0;
    if (p < border) x = tail(p);
    else if (p > 1.0 - border) x = -tail(1.0 - p);
    else {
        double const q = p - 0.5;
        x = polynomial(a, q * q) * q / polynomial(b, q * q);
    }
    double const error = normal_distribution(x) - p;
    double const step = error * std::sqrt(2.0 * std::numbers::pi) * std::exp(0.5 * x * x);
    return x - step / (1.0 + 0.5 * x * step);
}

} // namespace lockstep
