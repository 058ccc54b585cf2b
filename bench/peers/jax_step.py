#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""JAX' training step of the models of bench/gpu, compiled as a whole: prints lines "name,microseconds".

A batch comes from the host's memory in each step.
"""

import arguments

OPTIONS = arguments.parse(__doc__.splitlines()[0], ["jit"], ["cuda", "cpu"])

import functools
import math

import jax
import numpy
from jax import lax
from jax import numpy as jnp

RANDOM = numpy.random.default_rng(1)


def normal(*shape, deviation):
    return (deviation * RANDOM.standard_normal(shape)).astype(numpy.float32)


# A layer is the list of its parameters, and a function of these and of x that returns y and what a batch normalization
# observed, to be kept.


def linear(features, out, bias=True, deviation=None):
    weight = normal(features, out, deviation=deviation or 1 / math.sqrt(features))
    if not bias:
        return [weight], lambda p, x: (x @ p[0], [])
    return [weight, numpy.zeros(out, numpy.float32)], lambda p, x: (x @ p[0] + p[1], [])


def convolution(channels, out, window, stride=1, bias=True):
    weight = normal(window, window, channels, out, deviation=1 / math.sqrt(window * window * channels))

    def apply(p, x):
        y = lax.conv_general_dilated(x, p[0], (stride, stride), [(window // 2, window // 2)] * 2,
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return (y + p[1] if bias else y), []

    return [weight] + [numpy.zeros(out, numpy.float32)] * bias, apply


# Statistics are found as float; what is normalized is stored as x is.


def batch_norm(channels):
    def apply(p, x):
        exact = x.astype(jnp.float32)
        mean, variance = exact.mean((0, 1, 2)), exact.var((0, 1, 2))
        return ((exact - mean) * lax.rsqrt(variance + 1e-5) * p[0] + p[1]).astype(x.dtype), [mean, variance]

    return [numpy.ones(channels, numpy.float32), numpy.zeros(channels, numpy.float32)], apply


def layer_norm(features):
    def apply(p, x):
        exact = x.astype(jnp.float32)
        mean, variance = exact.mean(-1, keepdims=True), exact.var(-1, keepdims=True)
        return ((exact - mean) * lax.rsqrt(variance + 1e-5) * p[0] + p[1]).astype(x.dtype), []

    return [numpy.ones(features, numpy.float32), numpy.zeros(features, numpy.float32)], apply


def attention(features, heads):
    into, project = linear(features, 3 * features, deviation=0.02)
    out, project_back = linear(features, features, deviation=0.02)

    def apply(p, x):
        batch, positions, _ = x.shape
        qkv = project(p[0], x)[0].reshape(batch, positions, 3, heads, features // heads)
        y = jax.nn.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], is_causal=True)
        return project_back(p[1], y.reshape(batch, positions, features))

    return [into, out], apply


def embedding(classes, positions, features):
    tables = [normal(classes, features, deviation=0.02), normal(positions, features, deviation=0.02)]
    return tables, lambda p, x: (p[0][x] + p[1], [])


def max_pool():
    return [], lambda p, x: (lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"), [])


def function(f):
    return [], lambda p, x: (f(x), [])


def chain(*layers):
    def apply(p, x):
        observed = []
        for (_, layer), own in zip(layers, p):
            x, seen = layer(own, x)
            observed += seen
        return x, observed

    return [parameters for parameters, _ in layers], apply


def residual(*layers, shortcut=()):
    body, around = chain(*layers), chain(*shortcut)

    def apply(p, x):
        y, seen = body[1](p[0], x)
        z, seen_around = around[1](p[1], x)
        return y + z, seen + seen_around

    return [body[0], around[0]], apply


relu = function(jax.nn.relu)


def flatten():
    return function(lambda x: x.reshape(x.shape[0], -1))


def resnet18():
    layers = [convolution(3, 64, 3, bias=False), batch_norm(64), relu]
    before = 64
    for channels, first_stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first_stride, 1):
            projection = [] if stride == 1 else [convolution(before, channels, 1, stride, bias=False), batch_norm(channels)]
            layers += [residual(convolution(before, channels, 3, stride, bias=False), batch_norm(channels), relu,
                                convolution(channels, channels, 3, bias=False), batch_norm(channels),
                                shortcut=projection), relu]
            before = channels
    return chain(*layers, function(lambda x: x.mean((1, 2))), linear(512, 10))


def gpt(classes, positions, features, heads, depth):
    gelu = function(functools.partial(jax.nn.gelu, approximate=False))
    layers = [embedding(classes, positions, features)]
    for _ in range(depth):
        layers += [residual(layer_norm(features), attention(features, heads)),
                   residual(layer_norm(features), linear(features, 4 * features, deviation=0.02), gelu,
                            linear(4 * features, features, deviation=0.02))]
    return chain(*layers, layer_norm(features), linear(features, classes, bias=False, deviation=0.02),
                 function(lambda x: x.reshape(-1, classes)))


def make(model):
    """The model, and the shape and number of classes of its samples."""
    tanh = function(jnp.tanh)
    if model == "tiny":
        return chain(linear(4, 64), tanh, linear(64, 64), tanh, linear(64, 2)), (4,), 2
    if model == "small":
        return chain(linear(784, 128), relu, linear(128, 10)), (784,), 10
    if model == "big":
        return chain(linear(784, 512), relu, linear(512, 256), relu, linear(256, 10)), (784,), 10
    if model == "lenet":
        return chain(convolution(1, 32, 5), relu, max_pool(), convolution(32, 64, 5), relu, max_pool(), flatten(),
                     linear(64 * 7 * 7, 512), relu, linear(512, 10)), (28, 28, 1), 10
    if model == "resnet18":
        return resnet18(), (32, 32, 3), 10
    return gpt(**OPTIONS.gpt), (OPTIONS.gpt["positions"],), OPTIONS.gpt["classes"]


def samples(model, shape, classes, batch):
    """One batch in the host's memory, which a model learns by heart."""
    if model == "gpt2":
        text = RANDOM.integers(classes, size=batch * shape[0] + 1, dtype=numpy.int32)
        return text[:-1].reshape(batch, -1), text[1:]
    inputs = RANDOM.random((batch, *shape), dtype=numpy.float32) - 0.5
    return inputs, RANDOM.integers(classes, size=batch, dtype=numpy.int32)


class Training:
    def __init__(self, name, batch):
        model, bf16 = arguments.model_of(name)
        (parameters, apply), shape, classes = make(model)
        self.batch = samples(model, shape, classes, batch)

        def rounded(values):
            # Weights, images and what is computed of them; scales of normalizations are used as float.
            rounds = bf16 and values.dtype == jnp.float32 and (values.ndim >= 2 or model == "gpt2")
            return values.astype(jnp.bfloat16) if rounds else values

        def loss_of(parameters, inputs, targets):
            scores, observed = apply(jax.tree.map(rounded, parameters), rounded(inputs))
            logarithms = jax.nn.log_softmax(scores.astype(jnp.float32))
            return -jnp.take_along_axis(logarithms, targets[:, None], 1).mean(), observed

        @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
        def step(parameters, velocities, running, inputs, targets):
            (loss, observed), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters, inputs, targets)
            velocities = jax.tree.map(lambda v, g: arguments.MOMENTUM * v + g, velocities, gradients)
            parameters = jax.tree.map(lambda p, v: p - arguments.LEARNING_RATE * v, parameters, velocities)
            running = jax.tree.map(lambda r, o: 0.9 * r + 0.1 * o, running, observed)
            return parameters, velocities, running, loss

        self.step = step
        parameters = jax.tree.map(jnp.asarray, parameters)
        observed = jax.eval_shape(lambda p, x: apply(p, x)[1], parameters, self.batch[0])
        running = jax.tree.map(lambda o: jnp.zeros(o.shape, o.dtype), observed)
        self.values = (parameters, jax.tree.map(jnp.zeros_like, parameters), running)
        self.loss = None

    def __call__(self):
        *self.values, self.loss = self.step(*self.values, *jax.device_put(self.batch))
        return self.loss

    def wait(self):
        jax.block_until_ready(self.values)


def main():
    jax.config.update("jax_platforms", OPTIONS.device)
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if OPTIONS.tf32 else "float32")

    def measure(name, batch):
        training = Training(name, batch)
        arguments.report(name, training, training.wait, OPTIONS)

    arguments.measure_all(measure, OPTIONS)


main()
