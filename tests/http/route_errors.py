"""Follows the calls from each view by the syntax tree, and collects the errors that its code constructs on the way.

A call is followed where its target can be read from the code: a function or class of a module, `use_cases.x()` by the
return annotation of `x`, a method of `self`, a collaborator by the annotation of its field, a parameter or variable by
its annotation or the class that it is constructed from. A Protocol stands for every class that has its methods. What
the values of variables decide (callbacks, `getattr`) is not followed; the check of all HTTP responses covers the rest.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.http.source_code import Module, Node, Program, is_protocol, is_text, methods_of


class RaisedError(NamedTuple):
    """An error class, and the reasons that its construction may give; none if it takes no reason."""

    error: str
    reasons: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ErrorCollector:
    """Collects the errors of the functions of a program."""

    program: Program
    _found: dict[tuple[str, str], frozenset[RaisedError]] = field(default_factory=dict, repr=False)

    def errors_of(self, module: str, function: str) -> frozenset[RaisedError]:
        """The errors of a function, or of a method given as `Class.method`, and of everything that it calls."""
        key = (module, function)
        if key not in self._found:
            self._found[key] = frozenset()  # A recursive call adds nothing.
            node, owner = self.program.function(module, function)
            if node is not None:
                self._found[key] = Follower(self, self.program.modules[module], owner, node).errors()
        return self._found[key]


@dataclass
class Follower:
    """Follows the calls of one function."""

    collector: "ErrorCollector"
    module: Module
    owner: ast.ClassDef | None
    function: Node
    variables: dict[str, list[tuple[Module, ast.ClassDef]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Finds the classes of parameters and variables, where an annotation or a construction tells them."""
        arguments = self.function.args
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            self.variables[argument.arg] = self._classes(argument.annotation, self.module)
        for node in ast.walk(self.function):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.For(target=ast.Name(id=name), iter=value)
                ):
                    self.variables[name] = list(self._value_classes(value))

    def errors(self) -> frozenset[RaisedError]:
        return frozenset(self._in_statements(self.function.body))

    def _in_statements(self, statements: Iterable[ast.stmt]) -> set[RaisedError]:
        return {error for statement in statements for error in self._in_node(statement)}

    def _in_node(self, node: ast.AST) -> set[RaisedError]:
        match node:
            case ast.Try():
                return self._in_try(node)
            case ast.With() if caught := self._suppressed_names(node):
                return self._uncaught(self._in_statements(node.body), caught)
            case ast.Call():
                inside = {error for child in ast.iter_child_nodes(node) for error in self._in_node(child)}
                return inside | self._in_call(node)
        return {error for child in ast.iter_child_nodes(node) for error in self._in_node(child)}

    def _in_try(self, node: ast.Try) -> set[RaisedError]:
        caught = [name for handler in node.handlers if not _raises_again(handler) for name in _names(handler.type)]
        found = self._uncaught(self._in_statements(node.body), caught)
        for handler in node.handlers:
            found |= self._in_statements(handler.body)
        return found | self._in_statements([*node.orelse, *node.finalbody])

    def _uncaught(self, errors: set[RaisedError], caught: Iterable[str]) -> set[RaisedError]:
        names = set(caught)
        return {
            error for error in errors if not names & {*self.collector.program.error_classes[error.error], "Exception"}
        }

    def _suppressed_names(self, node: ast.With) -> list[str]:
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        suppressing = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "suppress"]
        return [name for call in suppressing for argument in call.args for name in _names(argument)]

    def _in_call(self, call: ast.Call) -> set[RaisedError]:
        name = call.func.id if isinstance(call.func, ast.Name) else None
        if name in self.collector.program.error_classes:
            return {self._constructed_error(str(name), call)}
        found: set[RaisedError] = set()
        for module, function in self._targets(call.func):
            found |= self.collector.errors_of(module.name, function)
        return found

    def _constructed_error(self, name: str, call: ast.Call) -> RaisedError:
        """An error with the reasons that are literals of the call or, for a variable, of the function around it."""
        bases = self.collector.program.error_classes[name]
        if name == "SignedOutError":
            return RaisedError(name, frozenset({"signed_out"}))
        if not {"ConflictError", "UnauthenticatedError"} & set(bases):
            return RaisedError(name)
        values = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "reason")]
        reasons = {node.value for value in values for node in ast.walk(value) if is_text(node)}
        if not reasons & self.collector.program.all_reasons:
            around = [node for definition in self.module.tree.body for node in ast.walk(definition)]
            reasons = {node.value for node in around if is_text(node)}
        return RaisedError(name, frozenset(reasons & self.collector.program.all_reasons))

    def _targets(self, function: ast.expr) -> Iterator[tuple[Module, str]]:
        """The functions and methods that a call may run."""
        match function:
            case ast.Name(id=name):
                yield from self._callables(self.collector.program.resolve(self.module, name))
            case ast.Attribute(value=value, attr=attribute):
                if (
                    isinstance(value, ast.Name)
                    and (target := self.module.imports.get(value.id)) in self.collector.program.modules
                ):
                    yield from self._callables(
                        self.collector.program.resolve(self.collector.program.modules[str(target)], attribute)
                    )
                for module, owner in self._value_classes(value):
                    yield from self._method(module, owner, attribute)

    def _callables(self, resolved: tuple[Module, ast.stmt] | None) -> Iterator[tuple[Module, str]]:
        match resolved:
            case (module, ast.FunctionDef() as node):
                yield module, node.name
            case (module, ast.ClassDef() as node):
                for name in ("__init__", "__post_init__"):
                    yield from self._method(module, node, name)

    def _method(self, module: Module, owner: ast.ClassDef, name: str) -> Iterator[tuple[Module, str]]:
        if name in methods_of(owner):
            yield module, f"{owner.name}.{name}"
        for base in owner.bases:
            if isinstance(base, ast.Name) and (resolved := self.collector.program.resolve(module, base.id)):
                base_module, node = resolved
                if isinstance(node, ast.ClassDef):
                    yield from self._method(base_module, node, name)

    def _value_classes(self, value: ast.expr) -> Iterator[tuple[Module, ast.ClassDef]]:
        """The classes that the value of an expression may have."""
        match value:
            case ast.Name(id="self") if self.owner is not None:
                yield self.module, self.owner
            case ast.Name(id=name):
                yield from self.variables.get(name, [])
            case ast.Call(func=function):
                yield from self._returned_classes(function)
            case ast.Attribute(value=inner, attr=attribute):
                for module, owner in self._value_classes(inner):
                    yield from self._field_classes(module, owner, attribute)

    def _returned_classes(self, function: ast.expr) -> Iterator[tuple[Module, ast.ClassDef]]:
        resolved: tuple[Module, ast.stmt] | None = None
        match function:
            case ast.Name(id=name):
                resolved = self.collector.program.resolve(self.module, name)
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute) if self.owner is not None:
                if method := methods_of(self.owner).get(attribute):
                    resolved = self.module, method
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                target = self.module.imports.get(name)
                if target in self.collector.program.modules:
                    resolved = self.collector.program.resolve(self.collector.program.modules[str(target)], attribute)
        match resolved:
            case (module, ast.ClassDef() as node):
                yield module, node
            case (module, ast.FunctionDef() as node) if node.returns is not None:
                yield from self._classes(node.returns, module)

    def _field_classes(self, module: Module, owner: ast.ClassDef, name: str) -> Iterator[tuple[Module, ast.ClassDef]]:
        for node in owner.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                yield from self._classes(node.annotation, module)
        init = methods_of(owner).get("__init__")
        if init is None:
            return
        annotations = {argument.arg: argument.annotation for argument in init.args.args if argument.annotation}
        for node in ast.walk(init):
            for target, value in _assignments(node):
                is_field = isinstance(target, ast.Attribute) and target.attr == name
                if is_field and isinstance(value, ast.Name) and value.id in annotations:
                    yield from self._classes(annotations[value.id], module)

    def _classes(self, annotation: ast.expr | None, module: Module) -> list[tuple[Module, ast.ClassDef]]:
        """The classes of an annotation, also inside `Sequence[…]` and unions; for a Protocol, its implementations."""
        if annotation is None:
            return []
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        found = []
        for node in ast.walk(annotation):
            resolved = self.collector.program.resolve(module, node.id) if isinstance(node, ast.Name) else None
            if resolved and isinstance(resolved[1], ast.ClassDef):
                defining, definition = resolved
                if is_protocol(definition):
                    found += self.collector.program.classes_like(definition)
                else:
                    found.append((defining, definition))
        return found


def _names(expression: ast.expr | None) -> list[str]:
    return [node.id for node in ast.walk(expression) if isinstance(node, ast.Name)] if expression else ["Exception"]


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises what it caught, now or, where it keeps it in a variable, perhaps later."""
    is_bare = any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))
    kept = (
        node.exc if isinstance(node, ast.Raise) else node.value
        for node in ast.walk(handler)
        if isinstance(node, ast.Assign | ast.Return | ast.Raise)
    )
    return is_bare or any(isinstance(value, ast.Name) and value.id == handler.name for value in kept)


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The single assignments of a statement, also of `a, b = c, d`."""
    if not isinstance(node, ast.Assign):
        return
    (target,) = node.targets
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        yield from zip(target.elts, node.value.elts, strict=False)
    else:
        yield target, node.value
