"""What a study will take before it is started: operations counted, iterations timed, hours predicted."""
