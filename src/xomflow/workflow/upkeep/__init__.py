"""What ticks do beside their work: archive and remove old files, warn of old units and versions."""
