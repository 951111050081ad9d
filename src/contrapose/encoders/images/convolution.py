"""The bricks of convolutional backbones: normalised convolution, residual block, first weights."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


def convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (divided by `stride`, rounded up), then batch normalisation.

    The convolution has no bias: the normalisation that follows would subtract it again.

    Shapes:
        x: `(B, inputs, H, W)`; returns `(B, outputs, ceil(H / stride), ceil(W / stride))`.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class ResidualBlock(nn.Module):
    """y = relu(body(x) + shortcut(x)), the shortcut being x itself where no module is given.

    Paper: He et al. 2016, https://arxiv.org/abs/1512.03385
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = nn.Identity() if shortcut is None else shortcut
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Tensor:
        return self.activation(self.body(x) + self.shortcut(x))  # (B, C', H', W')


def initialise(network: nn.Module) -> None:
    """Draw all convolutions anew: normal, variance 2 / (outputs * kernel area); normalisation is neutral.

    The variance keeps the size of gradients through ReLU layers on their way back ("fan out").

    Paper: He et al. 2015, https://arxiv.org/abs/1502.01852
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
