"""JMESPath: checked when the file is read, compiled once to closures, bounded in time.

| module | what it holds |
|---|---|
| expression.py | an expression of the file: parsed, its names looked up, compiled |
| syntax.py, hints.py | texts that are no expression: where, and what was meant |
| functions.py | the functions, JMESPath's and ours: a new one is a row of `EXTRA_FUNCTIONS` |
| arithmetic.py, searching.py | what the functions of numbers do; `regex_extract` |
| calling.py | types of arguments, and the errors of a call |
| compiler.py, closures.py, comparisons.py | the syntax tree becomes one closure |
| interpreter.py | nodes that the compiler does not know |
| shapes.py, implied.py | what an expression always gives, what follows from a condition: known by the form |
| work.py | steps that a record may take |
| regex_automaton.py, regex_cost.py | which patterns are refused because they can be slow |
"""
