"""What this project depends on: its lowest versions, its bill of materials, its licences, what is known against it."""
