"""Servers for the tests: real ones, started once a run where a test asks for one.

A test names what it needs as an argument. ``database`` and ``database_server`` run it on MariaDB
and on MySQL; servers have ports and folders of their own and end with the run.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pymysql
import pytest
from campaign_common.dsn import parse_dsn
from local_stack.database import DatabaseServer
from local_stack.distributions.cache import Cache
from local_stack.errors import DownloadError, ProgramMissingError
from local_stack.kafka import CLASSIC_KAFKA, KafkaServer
from local_stack.stack import database_program
