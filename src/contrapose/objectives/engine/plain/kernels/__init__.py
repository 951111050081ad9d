"""The common plain reduction as Triton kernels, for a GPU: similarities are made, used and forgotten on the chip."""
