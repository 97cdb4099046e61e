# drivers-inject
