"""The ends that signals ask for: BaseExceptions, so that no broad `except` can eat them."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived."""


class Interrupted(BaseException):
    """Ctrl-C arrived. (typer makes a silent exit of KeyboardInterrupt, so it cannot be told.)"""
