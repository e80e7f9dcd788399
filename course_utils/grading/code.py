"""What a piece of a student's code is about, read and not run: what it defines, what it uses."""

import ast
import re


def tree_of(source):
    """The code as Python understands it, lines for IPython left out; None if it is no Python."""
    try:
        return ast.parse(without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def without_magics(source):
    return "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in source.split("\n"))


def defined(source, also_none=False):
    """Names that a piece of code gives a value to; None is no value, since exercises start with it."""
    names, tree = set(), tree_of(source)
    for node in tree.body if tree else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            if also_none or not (isinstance(node.value, ast.Constant) and node.value.value is None):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {
                    part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
                }
    return names


def same(source, released, kind):
    """Whether a cell is as released, but for blanks and the habits of a formatter."""
    if source.split() == released.split():
        return True
    trees = [tree_of(source), tree_of(released)] if kind == "code" else [None]
    try:
        return None not in trees and ast.dump(trees[0]) == ast.dump(trees[1])
    except RecursionError:
        return False


# A test runs in the student's own kernel and can be fooled there. These names have no place in an answer.
SUSPICIOUS = {
    "ast_transformers",
    "input_transformers_cleanup",
    "input_transformers_post",
    "get_ipython",
    "builtins",
    "__builtins__",
    "settrace",
    "setprofile",
    "_getframe",
    "gc",
    "ctypes",
    "inspect",
    "importlib",
    "subprocess",
    "environ",
    "AssertionError",
    "sys",
    "__class__",
    "__dict__",
    "setattr",
    "exec",
    "eval",
    "compile",
    "globals",
    "ipykernel",
}


def suspicious(notebook):
    """Sentences on code that a person should look at; it is graded like any other."""
    remarks = []
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if (
            cell.cell_type != "code"
            or about.get("locked")
            or about.get("grade")
            and not about.get("solution")
        ):
            continue
        where = f"answer {about['grade_id']}" if "grade_id" in about else "a cell of the student's own"
        names = sorted(names_in(cell.source) & SUSPICIOUS)
        if names:
            remarks.append(f"look at {where}: it uses {', '.join(names)}")
    return remarks


def names_in(source):
    """All names, attributes and imported modules in a piece of code; lines only IPython understands are left
    out.
    """
    plain, tree = without_magics(source), tree_of(source)
    names = {"get_ipython"} if plain != source else set()
    if tree is None:
        return names | set(re.findall(r"[A-Za-z_]\w*", plain)) & SUSPICIOUS
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Import):
            names |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            names |= set((node.module or "").split(".")) | {alias.name for alias in node.names}
    return names
