"""The campaign of the demonstration: every reason as expected, the right ones suppressed."""
import pytest

import suppressd
from campaign import Campaign


@pytest.fixture(scope="module")
def campaign(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Campaign(home)
    try:
        yield made.start()
    finally:
        made.stop()


def test_campaign(campaign):
    dead = {person.address for person in campaign.people if person.dead}
    assert {code for code, _text in campaign.send().values()} == {250}
    campaign.settle()
    outcomes = campaign.outcomes()
    wrong = [f"{one.person.address}: {one.reason}, suppressed: {one.suppressed}, not "
             f"{one.person.reason}: {one.reply}" for one in outcomes if not one.right()]
    assert not wrong
    assert set(campaign.suppressd.suppressed()) == dead

    refused = {address for address, (code, _text) in campaign.send().items() if code != 250}
    assert refused == dead
