"""azure-ai-voicelive for Python, with a key credential."""

import exchange
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential
from voice_live import one_turn


async def converse(bridge, token, sound, heard):
    connection = connect(
        endpoint=f"https://{bridge}",  # was: https://RESOURCE.services.ai.azure.com
        credential=AzureKeyCredential(token),  # was: an API key
        model="gpt-realtime",
    )
    await one_turn(connection, sound, heard)


if __name__ == "__main__":
    exchange.main(converse)
