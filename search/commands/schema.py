"""`digitsweep schema`: what editors complete and check study files with."""

import sys


def schema() -> None:
    """Print a JSON schema of study files, for editors: digitsweep schema >study.schema.json."""
    import json

    from search.spec.json_schema import study_schema

    json.dump(study_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
