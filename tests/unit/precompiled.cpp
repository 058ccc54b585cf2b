// SPDX-License-Identifier: MIT
// Carries the precompiled headers that every test program uses.
