"""Machine checks of the claims of 2512.22768 and 2512.05620, on the very functions that users call."""
