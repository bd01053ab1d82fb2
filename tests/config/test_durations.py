from connector.config.models import DeliveryConfig
from tests.support.config_files import build, loaded


def test_models_built_in_code_take_seconds() -> None:
    assert DeliveryConfig(linger=0.05).linger == 0.05


def test_a_duration_may_come_from_the_environment() -> None:
    text = build(delivery="delivery: {linger: {env: LINGER, default: 3s}}")
    assert loaded(text, {}).config.delivery.linger == 3.0
    assert loaded(text, {"LINGER": "4s"}).config.delivery.linger == 4.0
