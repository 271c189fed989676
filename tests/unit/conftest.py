"""The unit tests mirror src; what several rooms' tests share, such as `scripted_device`, lies beside this file."""
