#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's training step of the models of bench/gpu: prints lines "name,microseconds".

eager:            as it is written
graph:            the whole step captured once as a CUDA graph
reduce-overhead:  torch.compile with this mode, which captures CUDA graphs
max-autotune:     torch.compile with this mode, which also chooses kernels by measuring them

A batch comes from the host's memory in each step, pinned where there is a GPU.
"""

import arguments

OPTIONS = arguments.parse(__doc__.splitlines()[0], ["eager", "graph", "reduce-overhead", "max-autotune"], ["cuda", "cpu"],
                          modes_of_gpus=["graph"])

import torch
from torch import nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    before = 64
    for channels, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [ResidualBlock(before, channels, stride), ResidualBlock(channels, channels, 1)]
        before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class Attention(nn.Module):
    def __init__(self, features, heads):
        super().__init__()
        self.heads = heads
        self.projections = nn.Linear(features, 3 * features)
        self.out = nn.Linear(features, features)

    def forward(self, x):
        batch, positions, features = x.shape
        q, k, v = self.projections(x).view(batch, positions, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, positions, features))


class TransformerBlock(nn.Module):
    def __init__(self, features, heads):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(features), Attention(features, heads))
        self.perceptron = nn.Sequential(nn.LayerNorm(features), nn.Linear(features, 4 * features), nn.GELU(),
                                        nn.Linear(4 * features, features))

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.perceptron(x)


class Gpt(nn.Module):
    def __init__(self, classes, positions, features, heads, depth):
        super().__init__()
        self.tokens = nn.Embedding(classes, features)
        self.positions = nn.Parameter(0.02 * torch.randn(positions, features))
        self.blocks = nn.Sequential(*(TransformerBlock(features, heads) for _ in range(depth)), nn.LayerNorm(features))
        self.head = nn.Linear(features, classes, bias=False)
        for layer in self.modules():
            if isinstance(layer, (nn.Linear, nn.Embedding)):
                nn.init.normal_(layer.weight, std=0.02)

    def forward(self, x):
        return self.head(self.blocks(self.tokens(x) + self.positions)).flatten(0, 1)


def linear(*widths, between):
    layers = []
    for width_in, width_out in zip(widths, widths[1:]):
        layers += [nn.Linear(width_in, width_out), between()]
    return nn.Sequential(*layers[:-1])


def make(model):
    """The model, and the shape and number of classes of its samples."""
    if model == "tiny":
        return linear(4, 64, 64, 2, between=nn.Tanh), (4,), 2
    if model == "small":
        return linear(784, 128, 10, between=nn.ReLU), (784,), 10
    if model == "big":
        return linear(784, 512, 256, 10, between=nn.ReLU), (784,), 10
    if model == "lenet":
        convolution = [nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                       nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        return nn.Sequential(*convolution, linear(64 * 7 * 7, 512, 10, between=nn.ReLU)), (1, 28, 28), 10
    if model == "resnet18":
        return resnet18(), (3, 32, 32), 10
    return Gpt(**OPTIONS.gpt), (OPTIONS.gpt["positions"],), OPTIONS.gpt["classes"]


def samples(model, shape, classes, batch):
    """One batch in the host's memory, which a model learns by heart."""
    if model == "gpt2":
        text = torch.randint(classes, (batch * shape[0] + 1,))
        inputs, targets = text[:-1].view(batch, -1).contiguous(), text[1:].contiguous()
    else:
        inputs, targets = torch.rand(batch, *shape) - 0.5, torch.randint(classes, (batch,))
    return (inputs.pin_memory(), targets.pin_memory()) if OPTIONS.device == "cuda" else (inputs, targets)


def captured(step):
    """The step as a CUDA graph, warmed up in a stream of its own as PyTorch asks for."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay():
        graph.replay()
        return loss

    return replay


def training_step(name, batch):
    model_name, bf16 = arguments.model_of(name)
    model, shape, classes = make(model_name)
    model = model.to(OPTIONS.device).train()
    host = samples(model_name, shape, classes, batch)
    if model_name == "resnet18":
        # As tensor cores take them.
        model = model.to(memory_format=torch.channels_last)
        host = host[0].contiguous(memory_format=torch.channels_last), host[1]
        if OPTIONS.device == "cuda":
            host = host[0].pin_memory(), host[1]
    inputs, targets = (values.to(OPTIONS.device) for values in host)
    optimizer = torch.optim.SGD(model.parameters(), lr=arguments.LEARNING_RATE, momentum=arguments.MOMENTUM,
                                fused=OPTIONS.device == "cuda")

    def loss_of(inputs, targets):
        with torch.autocast(OPTIONS.device, torch.bfloat16, enabled=bf16):
            return F.cross_entropy(model(inputs), targets)

    update = optimizer.step
    compiles = OPTIONS.mode in ("reduce-overhead", "max-autotune")
    if compiles:
        loss_of = torch.compile(loss_of, mode=OPTIONS.mode)
        update = torch.compile(update)

    def step():
        if compiles and OPTIONS.device == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        optimizer.zero_grad()
        loss = loss_of(inputs, targets)
        loss.backward()
        update()
        return loss.detach()

    if OPTIONS.mode == "graph":
        step = captured(step)

    def step_of_a_batch():
        inputs.copy_(host[0], non_blocking=True)
        targets.copy_(host[1], non_blocking=True)
        return step()

    return step_of_a_batch


def main():
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = OPTIONS.tf32
    torch.backends.cudnn.allow_tf32 = OPTIONS.tf32
    torch.backends.cudnn.benchmark = True
    if OPTIONS.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch_step.py: --device cuda: expected a CUDA device, found none")
    wait = torch.cuda.synchronize if OPTIONS.device == "cuda" else lambda: None

    def measure(name, batch):
        if OPTIONS.device == "cuda":
            torch.cuda.empty_cache()
        arguments.report(name, training_step(name, batch), wait, OPTIONS)

    arguments.measure_all(measure, OPTIONS)


main()
