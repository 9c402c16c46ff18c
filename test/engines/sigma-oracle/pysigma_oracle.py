"""Answers questions about Sigma by pySigma: one JSON object a line in, one out.

pySigma parses rules, applies modifiers and builds the tree of the condition; it has no evaluator, so the tree is
evaluated here, two-valued, with arrays as "some element".
In: {"rule": YAML, "events": [objects], "pipelines"?: [YAML]}. Out: {"hits": [booleans]} or {"refused": text}.
The rule may be followed by filters, which pySigma joins to it; pipelines are applied to what comes of that.
"""

import datetime
import ipaddress
import json
import re
import sys

from sigma.collection import SigmaCollection
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR, ConditionValueExpression
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.processing.resolver import ProcessingPipelineResolver
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}
ABSENT = object()


def values_of(event, field):
    found = [event]
    for key in field.split("."):
        found = [one[key] for many in found for one in (many if isinstance(many, list) else [many]) if isinstance(one, dict) and key in one]
    return [one for many in found for one in (many if isinstance(many, list) else [many])], len(found) > 0


def text_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def pattern_of(value):
    parts = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    return "".join(re.escape(part) if isinstance(part, str) else parts[part] for part in value.s)


def matches(wanted, value, event):
    text = text_of(value)
    if isinstance(wanted, SigmaExpansion):
        return any(matches(one, value, event) for one in wanted.values)
    if isinstance(wanted, SigmaString):
        flags = re.DOTALL if isinstance(wanted, SigmaCasedString) else re.DOTALL | re.IGNORECASE
        if wanted.s == (SpecialChars.WILDCARD_MULTI,):
            return value is not None
        return text is not None and re.fullmatch(pattern_of(wanted), text, flags) is not None
    if isinstance(wanted, SigmaRegularExpression):
        flags = 0
        for flag in wanted.flags:
            flags |= FLAGS[flag]
        return text is not None and re.search(str(wanted.regexp), text, flags) is not None
    if isinstance(wanted, SigmaTimestampPart):
        part = wanted.timestamp_part.name
        try:
            time = datetime.datetime.fromisoformat(text)
        except (TypeError, ValueError):
            return False
        return (time.isocalendar().week if part == "WEEK" else getattr(time, part.lower())) == wanted.number
    if isinstance(wanted, (SigmaNumber, SigmaBool)):
        return text is not None and text.lower() == str(wanted).lower()
    if isinstance(wanted, SigmaCIDRExpression):
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(wanted.cidr)
        except ValueError:
            return False
    if isinstance(wanted, SigmaCompareExpression):
        try:
            number, bound = float(text), float(str(wanted.number))
        except (TypeError, ValueError):
            return False
        return {"LT": number < bound, "LTE": number <= bound, "GT": number > bound, "GTE": number >= bound}[wanted.op.name]
    if isinstance(wanted, SigmaFieldReference):
        others, _ = values_of(event, wanted.field)
        return any(text_of(one) is not None and text is not None and text_of(one).lower() == text.lower() for one in others)
    raise NotImplementedError(type(wanted).__name__)


def holds(node, event):
    if isinstance(node, ConditionAND):
        return all(holds(one, event) for one in node.args)
    if isinstance(node, ConditionOR):
        return any(holds(one, event) for one in node.args)
    if isinstance(node, ConditionNOT):
        return not holds(node.args[0], event)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        values, present = values_of(event, node.field)
        if isinstance(node.value, SigmaNull):
            return not present or None in values
        if isinstance(node.value, SigmaExists):
            return present == bool(node.value)
        return any(matches(node.value, one, event) for one in values)
    if isinstance(node, ConditionValueExpression):
        return any(found(node.value, one) for one in leaves_of(event))
    raise NotImplementedError(type(node).__name__)


def leaves_of(value):
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves_of(one)
    else:
        yield value


def found(wanted, value):
    """A keyword stands anywhere in a text, as backends search for it."""
    if isinstance(wanted, SigmaExpansion):
        return any(found(one, value) for one in wanted.values)
    text = text_of(value)
    if text is None:
        return False
    if isinstance(wanted, SigmaString):
        flags = re.DOTALL if isinstance(wanted, SigmaCasedString) else re.DOTALL | re.IGNORECASE
        return re.search(pattern_of(wanted), text, flags) is not None
    return text.lower() == str(wanted).lower()


def answer(question):
    try:
        (rule,) = SigmaCollection.from_yaml(question["rule"]).rules
        pipelines = [ProcessingPipeline.from_yaml(text) for text in question.get("pipelines", [])]
        if pipelines:
            ProcessingPipelineResolver({str(n): one for n, one in enumerate(pipelines)}).resolve([str(n) for n in range(len(pipelines))]).apply(rule)
        conditions = [one.parsed for one in rule.detection.parsed_condition]
    except SigmaError as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    try:
        return {"hits": [any(holds(one, event) for one in conditions) for event in question["events"]]}
    except NotImplementedError as error:
        return {"unsupported": str(error)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
