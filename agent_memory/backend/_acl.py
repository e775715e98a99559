"""What a Redis user of this package must be allowed to do, and nothing beyond it.

A worker runs turns, sweeps and answers; an archiver reads and trims the outbox and sees no session; an
operator erases people. Redis 7 or Valkey.
"""

from __future__ import annotations

import re
from typing import Literal

from agent_memory.errors import InvalidInput

User = Literal['worker', 'archiver', 'operator']

_CONNECTION = 'hello auth ping client|setinfo client|setname select'
_WORKER = (
    'evalsha eval time hmget hget hset hsetnx hgetall hdel hincrby get set zadd zrem zcard zrange zscore zrangebyscore '
    'zremrangebyscore rpush ltrim lrange xadd xlen xread xtrim pttl pexpire unlink publish subscribe unsubscribe wait '
    'cluster|slots cluster|shards command'
)
_OPERATOR = f'{_WORKER} scan exists hexists llen xrange xdel info bgrewriteaof'
"""What erasing people takes beyond a worker's part: `scan` sees the names of all keys, which say nothing."""
_ARCHIVER = 'hsetnx hgetall hset xread xtrim xlen cluster|slots cluster|shards command'
_NAME = re.compile(r'[A-Za-z0-9_-]{1,64}')


def rules(user: User, *, prefix: str = 'am') -> list[str]:
    """Return the rules of `ACL SETUSER` for one kind of process, without its password.

    Args:
        user: What the process does.
        prefix: The store's key prefix.

    Raises:
        InvalidInput: The prefix has characters that would widen the patterns.
    """
    if not _NAME.fullmatch(prefix):
        raise InvalidInput('a key prefix is 1 to 64 letters, digits, - and _')
    if user in ('worker', 'operator'):
        reach = [f'~{prefix}:*', f'&{prefix}:wake*']
        commands = f'{_CONNECTION} {_WORKER if user == "worker" else _OPERATOR}'
    else:
        reach, commands = [f'~{prefix}:meta', f'~{prefix}:audit', f'~{prefix}:*:out'], f'{_CONNECTION} {_ARCHIVER}'
    return ['resetkeys', 'resetchannels', *reach, '-@all', *(f'+{name}' for name in commands.split())]


def line(user: User, *, prefix: str = 'am') -> str:
    """Return the command that makes the user, with the place of its password left open.

    Raises:
        InvalidInput: The prefix has characters that would widen the patterns.
    """
    return f'ACL SETUSER {prefix}-{user} on >PASSWORD {" ".join(rules(user, prefix=prefix))}'
