"""What the five services share. A module enters only when two services need it."""

VERSION = "0.1.0"
