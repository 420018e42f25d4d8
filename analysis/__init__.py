"""What the database says: selection, statistics, figures. Imports neither engine nor search."""
