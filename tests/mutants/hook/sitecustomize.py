"""Python runs this at the start of every process whose PYTHONPATH has this folder: the run of mutants puts it there."""

from tests.mutants.importing import install

install()
