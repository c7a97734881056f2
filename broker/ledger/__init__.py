"""What can be proven later: entries, their leaves, and the receipts that promise them."""
