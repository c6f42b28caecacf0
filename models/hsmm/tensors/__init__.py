"""The messages of models.hsmm on a device, and an evidence that has gradients."""
