"""The configuration file: YAML in, validated models or located problems out.

Everything is checked without a network, and every mistake is reported at once, with its line and column.

| module | what it holds |
|---|---|
| yaml_tree, yaml_scalars, yaml_slips, yaml_wording | YAML text to plain data with positions, its faults in our words |
| section, models, auth, tls, registry, examples | the sections; their descriptions are the reference |
| scalars, addresses, references | the kinds of value that sections are made of |
| wording, advice, paths, choices, synonyms | pydantic's errors in our words, and at a place in the file |
| corrections, partial | so that one mistake hides no other: slips corrected, invalid parts left out |
| checks, quota, unexpanded, registry_checks, regions | what shows across settings, what AWS refuses |
| client_properties, client_checks | what librdkafka is given, and what it refuses |
| formats, schema_files, protoc | how values and keys are decoded: what fits together, and schemas beside the file |
| example_checks, example_files | tests: what they name is there; files of tests beside the configuration |
| located, masking, problems | where a mistake stands, without secrets, and how it is shown |
| loading, markdown, strangers | the whole walk, of a file or of the blocks in a page; what is no such file |
| schema, printing | for editors, and the effective file |
"""

from connector.config.client_properties import base_properties
from connector.config.loading import Loaded, load, load_text
from connector.config.models import Config
from connector.config.printing import print_config
from connector.config.problems import Problem, render
from connector.config.schema import json_schema

__all__ = [
    "Config",
    "Loaded",
    "Problem",
    "base_properties",
    "json_schema",
    "load",
    "load_text",
    "print_config",
    "render",
]
