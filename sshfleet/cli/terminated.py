"""The end that SIGTERM and SIGHUP ask for."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; not an Exception, so that no broad `except` can eat it."""
