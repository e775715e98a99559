"""A run as JUnit XML: one test suite a suite and model, one test case a conversation, the gate as a suite of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from agent_memory.evals._gate import Broken
from agent_memory.evals._results import HELD_OUT, CaseResult, Evaluation, SuiteResult

_NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def junit_xml(evaluation: Evaluation, broken: Sequence[Broken]) -> str:
    """Return the XML that CI servers read."""
    root = ElementTree.Element('testsuites', name='agent-memory eval')
    for result in evaluation.results:
        _add_suite(root, result)
    totals = {'tests': str(max(len(broken), 1)), 'failures': str(len(broken))}
    gate = ElementTree.SubElement(root, 'testsuite', {'name': 'gate', **totals})
    for one in broken:
        case = ElementTree.SubElement(
            gate, 'testcase', classname=f'gate.{one.suite}', name=f'{one.figure} ({one.model})'
        )
        ElementTree.SubElement(case, 'failure', message=_safe(str(one)))
    if not broken:
        ElementTree.SubElement(gate, 'testcase', classname='gate', name='every figure is within its bounds')
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode', xml_declaration=True) + '\n'


def _add_suite(root: ElementTree.Element, result: SuiteResult) -> None:
    if result.held_out:
        _add_held_out(root, result)
        return
    errors = sum(case.error is not None for case in result.cases)
    failures = sum(not case.passed for case in result.cases) - errors
    counts: dict[str, str] = {'tests': str(len(result.cases)), 'failures': str(failures), 'errors': str(errors)}
    suite = ElementTree.SubElement(root, 'testsuite', {'name': f'{result.suite} ({result.model})', **counts})
    for case in result.cases:
        _add_case(suite, result, case)


def _add_held_out(root: ElementTree.Element, result: SuiteResult) -> None:
    """Add a suite that is held out as one case."""
    name, failed = f'{result.suite} ({result.model})', len(result.failed)
    suite = ElementTree.SubElement(root, 'testsuite', {'name': name, 'tests': '1', 'failures': str(min(failed, 1))})
    case = ElementTree.SubElement(suite, 'testcase', classname=result.suite, name=f'{len(result.cases)} conversations')
    if failed:
        ElementTree.SubElement(case, 'failure', message=f'{failed} with faults; {HELD_OUT}')


def _add_case(suite: ElementTree.Element, result: SuiteResult, case: CaseResult) -> None:
    name = case.dialogue.id if result.repeat == 1 else f'{case.dialogue.id} [{case.run}/{result.repeat}]'
    took = sum(turn.latency_s for turn in case.transcript.turns) if case.transcript else 0.0
    element = ElementTree.SubElement(suite, 'testcase', classname=result.suite, name=name, time=f'{took:.3f}')
    if case.error is not None:
        ElementTree.SubElement(element, 'error', message=_safe(case.error))
    elif case.faults:
        failure = ElementTree.SubElement(element, 'failure', message=_safe(str(case.faults[0])))
        failure.text = _safe(
            '\n'.join(map(str, case.faults)) + '\n\n' + (case.transcript.text() if case.transcript else '')
        )


def _safe(text: str) -> str:
    """Return text without what XML cannot say, such as control characters in a message."""
    return _NOT_XML.sub('\ufffd', text)
