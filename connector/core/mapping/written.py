"""The JSON that the mapping writes itself, as a type of its own: alone, since mypyc compiles no subclass of str."""


class JsonObject(str):
    """The JSON of an object that was written here: it need not be parsed to know that it is one."""

    __slots__ = ()
