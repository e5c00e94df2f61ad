"""Messages of a draft, or of content without a campaign, as they would be sent."""
