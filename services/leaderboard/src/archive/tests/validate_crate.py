"""Validates an RO-Crate against the profile 1.1, with the context that the package `rocrate` brings along: no network."""

import importlib.resources
import json
import sys

import requests
from rocrate_validator import models, services
from rocrate_validator.utils.document_loader import install_document_loader
from rocrate_validator.utils.http import HttpRequester

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
text = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
if json.loads(text)["@id"] != CONTEXT:
    sys.exit("the package rocrate brings another context along")


def get(_self, url, **_kwargs):
    answer = requests.Response()
    answer.url = url
    answer.status_code = 200 if url == CONTEXT else 404
    answer.headers["Content-Type"] = "application/ld+json"
    answer._content = text if url == CONTEXT else b""
    return answer


HttpRequester.get = get
install_document_loader()
result = services.validate(
    services.ValidationSettings(
        rocrate_uri=sys.argv[1],
        profile_identifier="ro-crate-1.1",
        requirement_severity=models.Severity.RECOMMENDED,
    )
)
issues = result.get_issues()
for issue in issues:
    print(f"{issue.severity.name} {issue.check.identifier}: {issue.message}")
print(f"{len(result.executed_checks)} checks, {len(issues)} issues")
sys.exit(1 if issues else 0)
