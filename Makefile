# Everything sets itself up: `make train` or `make test` on a fresh machine with Python 3.11+ is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup train test check format clean

setup: $(READY)

# torch first and by itself: `torch==2.13.0` is the version that the tests run with.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || \
		{ echo "contrapose needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip "setuptools>=77" wheel
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

# Pretrain on the embedded characters without labels, then recognise unseen ones from one example each. The options were
# chosen by benchmarks/one_shot_validation.py on held-out alphabets; expect 6 to 8 minutes on two slow cores.
RECIPE := --data omniglot --encoder tiny_conv --epochs 32 --batch-size 64 --learning-rate 0.006 --projection-layers 0 \
	--solver inverse

train: setup
	$(BIN)/contrapose train mmcl $(RECIPE)

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -q

check: setup
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format src tests benchmarks examples
	$(BIN)/ruff check --fix src tests benchmarks examples

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
