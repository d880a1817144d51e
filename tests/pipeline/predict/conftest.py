import pytest

from tests.pipeline.predict.stand import Stand


@pytest.fixture
def make_stand():
    """Makes stands and takes them down with all their processes."""
    stands = []

    def make(**tables):
        stands.append(Stand(**tables))
        return stands[-1]

    yield make
    for stand in stands:
        stand.close()
