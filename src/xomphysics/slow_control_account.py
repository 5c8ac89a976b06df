"""The account of the slow-control server, from a file that only its owner may read."""

import configparser
import stat
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

_SECTION = "scada"
_ENTRIES = ("sclogin_url", "scdata_url", "straxen_username", "straxen_password")


class AccountError(Exception):
    """The account cannot be used: the file is not private or incomplete, or the server refuses the log-in."""


@dataclass(frozen=True)
class Account:
    """Addresses of the server, and the account.

    Attributes
    ----------
    login_url, data_url
        Addresses for the log-in and for values.
    user, password
        The account; the password is not in the representation.
    ca_file
        File of trusted certificates; empty: those of the system.
    """

    login_url: str
    data_url: str
    user: str
    password: str = field(repr=False)
    ca_file: str = ""


def read_account(path: Path) -> Account:
    """Read the account from the section ``[scada]`` of a file like ``~/.xenon_config`` that only its owner may read.

    Raises
    ------
    AccountError
        If the file is missing, readable by others, lacks an entry or has an address without https. The message does
        not repeat the content.
    """
    try:
        place = path.expanduser()
        if place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise AccountError(f"{path} can be read by others; run: chmod 600 {path}")
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(place.read_text(encoding="utf-8"))
    except (OSError, RuntimeError) as error:  # pathlib's error for an unknown home is a RuntimeError
        raise AccountError(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from None
    except (configparser.Error, UnicodeDecodeError):
        raise AccountError(f"{path} is not a configuration file with sections") from None
    missing = [name for name in _ENTRIES if not parser.get(_SECTION, name, fallback="")]
    if missing:
        raise AccountError(f"{path} lacks {', '.join(missing)} in the section [{_SECTION}]")
    login, data, user, password = (parser.get(_SECTION, name) for name in _ENTRIES)
    for name, url in (("sclogin_url", login), ("scdata_url", data)):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username:
            raise AccountError(f"{path}: {name} has to be an address https://server/... without an account in it")
    return Account(login, data.rstrip("?"), user, password, parser.get(_SECTION, "ca_file", fallback=""))
