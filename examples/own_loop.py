"""The building blocks in a loop of your own: views, encoder, objective, one-shot evaluation. No framework.

    python examples/own_loop.py --steps 500

Expect about 65 % one-shot accuracy after 500 steps (half a minute on two cores); chance is 5 %, raw pixels 22 %.
"""

from __future__ import annotations

import argparse

import torch

from contrapose.data import EpochSampler, derived_generator, omniglot, omniglot_one_shot
from contrapose.encoders import build
from contrapose.evaluation import one_shot
from contrapose.objectives import mmcl
from contrapose.views import ViewGenerator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=500)
steps = parser.parse_args().steps

images = omniglot()  # 4,840 characters, no labels
mean, std = images.statistics()
encoder = build("small_conv", channels=1, image_size=35, mean=mean, std=std, seed=0).train()
views = ViewGenerator(channels=1, image_size=35)  # one channel: the recipe for strokes
sampler = EpochSampler(len(images), batch_size=64, seed=0)
optimizer = torch.optim.AdamW(encoder.parameters(), lr=2e-3)

for step in range(steps):
    batch = images.batch(sampler.indices(*sampler.locate(step)))  # (B, 1, 35, 35) uint8
    pair = views(batch, generator=derived_generator(0, step))  # 2 views (B, 1, 35, 35)
    z = encoder(torch.cat(pair)).view(2, len(batch), -1)  # (2, B, D)
    loss = mmcl(z, sigma=4.0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.2f}")

encoder.eval()
runs = omniglot_one_shot()  # alphabets that were never seen
with torch.inference_mode():
    support, query = (encoder(part.flatten(0, 1)).view(20, 20, -1) for part in (runs.support, runs.query))
print(one_shot(support, query, runs.answer))
