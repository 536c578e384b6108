"""When two looks at a page are one, and when nothing more will be heard of one."""

from datetime import timedelta

# Who asks for the same page again, and has not been heard to leave it, has loaded it anew.
RELOADED_WITHIN = timedelta(seconds=30)
# A page that is open goes on being one look, for as long as anybody may be signed in.
GOES_ON_FOR = timedelta(hours=12)
