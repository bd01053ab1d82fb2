"""What tests of more than one folder share, each thing once: fakes, processes, configuration files, judges."""
