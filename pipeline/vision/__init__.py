"""Everything that knows pixels: preprocessing, models, maps, training, export."""
