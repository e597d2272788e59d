"""The model of photographs: pictures and captions of Debian packages, printings, training, export."""
