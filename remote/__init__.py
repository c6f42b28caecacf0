"""What crosses a wire: hosts, ship, launch, mirror, attach."""
