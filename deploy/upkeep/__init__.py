"""What an operator does when something was set aside, lost or restored; and how they know that nothing is missing."""
