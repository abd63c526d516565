# Placeholder until the install rules come.
