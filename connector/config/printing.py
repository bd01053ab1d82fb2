"""The effective configuration as YAML: defaults filled in, references resolved, secrets masked.

What is printed loads again to the same configuration, secrets apart.
"""

from typing import Any

import yaml

from connector.config.masking import MASK, is_secret
from connector.config.models import Config
from connector.config.yaml_scalars import SCALARS
from connector.core.urls import without_secrets_of_urls


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or 1.2 would not take for text, so that any reader sees the same."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  PyYAML's signature
        """Nothing is written as an alias: the reader would have to look for its anchor."""
        return True


for _kind, _pattern, _first in SCALARS:
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


def _masked(node: Any) -> Any:
    """The same data without what is secret in URLs."""
    if isinstance(node, dict):
        return {key: _masked(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_masked(item) for item in node]
    return without_secrets_of_urls(node) if isinstance(node, str) else node


def print_config(config: Config) -> str:
    """A whole file. Passwords and other secrets are ``********``, wherever their values came from."""
    document = config.model_dump(mode="json", by_alias=True, exclude={"pipelines", "tests"})
    properties = document["kafka"]["librdkafka"]
    document["kafka"]["librdkafka"] = {k: MASK if is_secret(k) else v for k, v in properties.items()}
    document = _masked(document)
    document["pipelines"] = [
        # Rules have a dozen optional members, formats the keys of others: those that are not there say nothing.
        {
            **pipeline.model_dump(mode="json", by_alias=True, exclude={"rules"}, exclude_none=True),
            "rules": [rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for rule in pipeline.rules],
        }
        for pipeline in config.pipelines
    ]
    document["tests"] = [test.model_dump(mode="json", exclude_unset=True) for test in config.tests]
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
