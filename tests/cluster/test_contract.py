"""Every promise of the ports (`tests/contract/store`), kept by a cluster whose replicas have each write."""

# ruff: noqa: F403 - the tests are those of that folder, whatever they are called

from tests.contract.store.test_claims import *
from tests.contract.store.test_dossiers import *
from tests.contract.store.test_leases import *
from tests.contract.store.test_log import *
from tests.contract.store.test_outbox import *
from tests.contract.store.test_registers import *
