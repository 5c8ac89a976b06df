"""What ticks do beside their work: archive, read and remove old files, warn of old units and versions."""
