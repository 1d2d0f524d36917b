"""Who asks, and whether they may: tokens, the gateway, relationships, Cedar policies."""
