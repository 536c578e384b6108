"""When two looks at a page are one, and when nothing more will be heard of one."""

from datetime import timedelta

# Who has the same page again so soon after it was left, or was last heard of, has not looked twice: it was loaded anew,
# with another span of time, or come back to from a link. To look at something else in between takes longer.
RELOADED_WITHIN = timedelta(seconds=30)
# Who asks whether a page is unchanged, and hears that it is, is shown nothing: a front-end keeps it up to date. One
# that asks more seldom than this has been opened again, as far as anybody can know; a silent look is over by then.
UNCHANGED_WITHIN = timedelta(minutes=30)
# A page that is open goes on being one look, for as long as anybody may be signed in.
GOES_ON_FOR = timedelta(hours=12)
